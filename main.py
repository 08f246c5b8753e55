"""Real medical images in, a report on their synthetic stand-ins out.

python main.py --config=configs/phantom_ddpm.py:cpu --workdir=/tmp/demo
"""

from synthmed_jax import stopping

if __name__ == "__main__":
    with stopping.told():
        with stopping.loading():
            from synthmed_jax import cli  # which takes seconds, for JAX

        cli.run()
