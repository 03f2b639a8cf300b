"""Makes pictures of pages smaller: `fewer_colors.py FILE.png…`. Needs Pillow."""

import sys

from PIL import Image

for path in sys.argv[1:]:
    picture = Image.open(path).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
