"""The pipeline acts: one file per step of a tick, in the order in which a tick meets them."""
