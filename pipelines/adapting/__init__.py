"""A model and one site's own cases: domain, calibration, thresholds and readers made the site's."""
