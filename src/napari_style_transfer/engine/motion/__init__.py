"""Where things go from one frame to the next, and which frames belong to one scene."""
