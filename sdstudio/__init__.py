"""SD Studio: pictures with Stable Diffusion, on your own machine, offline."""

__version__ = "0.1.0"
