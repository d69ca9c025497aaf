"""Networks in torch: their layers, the loop that trains them, and their export to ONNX with a card."""
