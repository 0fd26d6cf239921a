"""Capnogram: carbon dioxide in the air that a patient breathes out, over time."""
