"""Forty-eight simulated patients and the study files: a package, so that a wheel carries them."""
