"""What the guards of speed and memory share."""
