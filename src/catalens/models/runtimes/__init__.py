"""What runs networks in files: ONNX Runtime, OpenVINO, PyTorch, Keras."""
