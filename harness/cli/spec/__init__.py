"""Read binary files with a grammar; lint, patch, score and improve grammars.

Example:
  crucible spec lint png.yaml
  crucible spec parse png.yaml picture.png
  crucible spec score png.yaml *.png --holdout unseen.png
  crucible spec improve stub.yaml *.png --out better.yaml
"""

from __future__ import annotations

VERBS = tuple("""
lint parse spans coverage decode query hex graph set generate patch diff score improve versions
import-ksy export-ksy
""".split())  # fmt: skip
