"""The old place of `Encoder`, for programs that import it from here: see `syncse_local.encoders.transformer`."""

from syncse_local.encoders.transformer import Encoder as Encoder
