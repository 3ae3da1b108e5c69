"""The worker's screens: plain pages that the phone serves to its own browser over loopback."""
