"""The benchmarks; each module registers one."""
