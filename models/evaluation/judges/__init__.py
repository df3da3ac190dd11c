"""Judges: a model behind a URL, the base's own likelihoods, people; one a file."""

from __future__ import annotations
