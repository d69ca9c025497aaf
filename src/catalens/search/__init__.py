"""Find products: by photo, by words, by both, within filters; every match says why."""
