"""What makes a CPU fast: kernels and memory, each beside plain torch."""
