"""Networks of the Transformers library that read texts: BERT, XLM-R, E5, MiniLM and other sentence encoders."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from catalens import settings
from catalens.errors import ModelError, first_line
from catalens.json_text import parse_json
from catalens.models.device import AUTO, place_torch
from catalens.models.hub.files import find, hub_errors, imports, load, quiet
from catalens.types import FloatArray

_LONGEST = 512
"""Tokens that are read of a text."""
_CURE = "give a folder with config.json, weights and a tokenizer"
_PRODUCT_NAMES = ("passage", "document")


class HubTextNetwork:
    """A text network of the Transformers library: texts -> vectors.

    Vectors are the mean over tokens, or that of the first one where `1_Pooling/config.json` of the Sentence
    Transformers library says so; what goes before queries and products is read from the `prompts` of its
    `config_sentence_transformers.json`.

    Args:
        source: a folder, or an id on the hub.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        NotFoundError: nothing of that name here, and the hub cannot be reached or has none.
        ModelError: it reads no texts, or some of its weights are missing.
    """

    def __init__(self, source: str, *, threads: int | None = None) -> None:
        transformers, torch = imports()
        self._torch = torch
        torch.set_num_threads(threads or settings.threads())
        runs_on = place_torch(torch, AUTO, AUTO)
        with quiet(transformers), hub_errors(source, cure=_CURE):
            model, info = load(transformers.AutoModel, source, output_loading_info=True)
            self._tokenizer = load(transformers.AutoTokenizer, source)
            self._is_first_token = bool(_json_of(source, "1_Pooling/config.json").get("pooling_mode_cls_token"))
            prompts = _json_of(source, "config_sentence_transformers.json").get("prompts") or {}
        missing = [name for name in info["missing_keys"] if not name.startswith("pooler.")]
        if missing:
            raise ModelError(f"{source} has no weights for {missing[0]}", cure="its vectors would be noise")
        self.prompts = {
            "query": str(prompts.get("query", "")),
            "product": next((str(prompts[name]) for name in _PRODUCT_NAMES if name in prompts), ""),
        }
        self._model = model.eval().float()
        self.identity = f"{Path(source).name}@{self._digest(info['missing_keys'])}"
        self._model = self._model.to(runs_on.device)
        self._longest = min(_LONGEST, int(getattr(model.config, "max_position_embeddings", _LONGEST)) - 2)
        self.dim = self(["a"]).shape[1]

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """N texts, N > 0 -> (N, D), not yet of unit length.

        Raises:
            ModelError: it takes something else than texts.
        """
        try:
            tokens = self._tokenizer(
                list(texts), padding=True, truncation=True, max_length=self._longest, return_tensors="pt"
            ).to(self._model.device)
            given = {name: tokens[name] for name in ("input_ids", "attention_mask") if name in tokens}
            with self._torch.inference_mode():
                states = self._model(**given).last_hidden_state
            if self._is_first_token:
                found = states[:, 0]
            else:
                mask = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
                found = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
            raise ModelError(f"the network does not take texts: {first_line(error)}", cure=_CURE) from None
        return np.asarray(found.float().cpu().numpy(), np.float32)

    def _digest(self, left_out: Sequence[str]) -> str:
        digest = hashlib.sha256(json.dumps([self.prompts, self._is_first_token]).encode())
        for name, tensor in sorted(self._model.state_dict().items()):
            if name not in left_out:
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(tensor.detach().numpy()).data)
        return digest.hexdigest()[:12]


def _json_of(source: str, name: str) -> Mapping[str, Any]:
    path = find(source, name)
    found = parse_json(path.read_bytes()) if path is not None else {}
    return found if isinstance(found, dict) else {}
