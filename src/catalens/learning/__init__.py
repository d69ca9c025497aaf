"""What users train on their own photos: classifiers, fine-tuning, detectors, parsers, outfits; curves and labels."""
