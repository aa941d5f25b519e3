"""The processes of one training: started by `torchrun` or `accelerate launch`, which set RANK and WORLD_SIZE. Not a launcher.

Every rank computes some chunks of each step; sums and rank 0's words go to all. Knows no model and no data.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from syncse_local.jobs.launcher import launched


@dataclass(frozen=True)
class Ranks:
    """This process's number and how many there are; the default is one process alone."""

    rank: int = 0
    world: int = 1

    @classmethod
    def join(cls) -> "Ranks":
        """Meet the others, each on the GPU of its LOCAL_RANK where there are GPUs; alone there is nothing to do.

        Gloo carries what lies in main memory, NCCL what lies on a GPU.
        """
        if not launched(os.environ):
            return cls()
        gpus = torch.cuda.is_available()
        if gpus:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        distributed.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo")
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def first(self) -> bool:
        """Whether this is the process that writes: checkpoints, the encoder, events."""
        return self.rank == 0

    def own(self, count: int) -> range:
        """Which of `count` chunks are this process's: every world-th, so that long and short ones are dealt out evenly."""
        return range(self.rank, count, self.world)

    def add(self, tensor: Tensor) -> Tensor:
        """The sum of the tensor over all processes, in place."""
        if self.world > 1:
            distributed.all_reduce(tensor)
        return tensor

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the sum of all gradients; a weight that none has a gradient of keeps none."""
        if self.world == 1:
            return
        trained = [p for p in parameters if p.requires_grad]
        if not trained:
            return
        there = self.add(torch.tensor([float(p.grad is not None) for p in trained], device=trained[0].device))
        used = [p for p, has in zip(trained, there.tolist(), strict=True) if has]
        flat = torch.cat([torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in used])
        self.add(flat)
        for parameter, part in zip(used, torch.split(flat, [p.numel() for p in used]), strict=True):
            parameter.grad = part.view_as(parameter)

    def share(self, text: str) -> str:
        """Rank 0's text, on every process; who comes early waits."""
        if self.world == 1:
            return text
        given = text.encode()
        size = torch.tensor([len(given)])
        distributed.broadcast(size, 0)
        words = torch.tensor(list(given) if self.first else [0] * int(size), dtype=torch.uint8)
        distributed.broadcast(words, 0)
        return bytes(words.tolist()).decode()
