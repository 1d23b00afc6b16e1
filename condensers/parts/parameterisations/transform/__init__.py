"""Images as coded coefficients of cosines over the whole frame."""
