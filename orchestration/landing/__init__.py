"""The door: what comes in is allow-listed, keyed, accounted for; nothing else passes."""
