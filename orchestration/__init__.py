"""flowgrain's Python: the door (landing), the gate (floor_guard), and when things run."""
