"""Dense layers in a row."""

import flax.linen as nn
from jaxtyping import Array, Float


class Mlp(nn.Module):
    r"""Two dense layers, :math:`x \mapsto W_2\,\mathrm{silu}(W_1 x + b_1) + b_2`."""

    hidden: int
    features: int

    @nn.compact
    def __call__(self, x: Float[Array, "rows inputs"]) -> Float[Array, "rows features"]:
        hidden = nn.silu(nn.Dense(self.hidden, name="hidden")(x))
        return nn.Dense(self.features, name="out")(hidden)


class ResidualMlp(nn.Module):
    r"""Pre-activated residual block, :math:`x \mapsto x + W_2\,\mathrm{silu}(W_1\,\mathrm{silu}(x) + b_1) + b_2`."""

    use_bias: bool = True

    @nn.compact
    def __call__(self, x: Float[Array, "rows features"]) -> Float[Array, "rows features"]:
        width = x.shape[-1]
        hidden = nn.Dense(width, use_bias=self.use_bias, name="hidden")(nn.silu(x))
        return x + nn.Dense(width, use_bias=self.use_bias, name="out")(nn.silu(hidden))
