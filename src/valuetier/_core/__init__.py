"""Arrays in, arrays out: the mathematics, with numpy and scipy only."""
