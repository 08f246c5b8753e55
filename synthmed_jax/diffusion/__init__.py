"""The denoising diffusion model: schedule, process, network, training, samplers, generation."""
