"""The Chinese characters of a page as a font inside the page, so that it reads on a machine without Chinese fonts."""

from __future__ import annotations

import base64
import io

FAMILY = "carbonsim Sans SC"
FIRST_BEYOND_LATIN = 0x2000


def embedded_face(page: str) -> str:
    """A CSS rule that holds the glyphs of ``page`` beyond the Latin ones; empty if there are none.

    Parameters
    ----------
    page : str
        HTML whose text is to be shown.

    Returns
    -------
    str
        One ``@font-face`` rule under the family ``FAMILY``, with a subset of the packaged open-licence font as data.
        The same characters give the same bytes.
    """
    wanted = sorted({letter for letter in page if ord(letter) >= FIRST_BEYOND_LATIN})
    if not wanted:
        return ""
    import pylopdf_fonts_zh_cn
    from fontTools import subset

    options = subset.Options(
        flavor="woff", layout_features=[], hinting=False, desubroutinize=True, recalc_timestamp=False,
        notdef_outline=True,
    )  # fmt: skip
    stream = io.BytesIO()
    with subset.load_font(str(pylopdf_fonts_zh_cn.sans_path()), options) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(text="".join(wanted))
        subsetter.subset(font)
        subset.save_font(font, stream, options)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return f'@font-face {{ font-family: "{FAMILY}"; src: url("data:font/woff;base64,{data}") format("woff"); }}'
