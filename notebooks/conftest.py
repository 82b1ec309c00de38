"""Compare the notebooks' stored numbers strictly, and leave out their pictures, which are drawn from them."""

PICTURES = ("text/html", "image/svg+xml", "application/vnd.vegalite.v6+json")


def pytest_collectstart(collector):
    """Tell nbval which kinds of output are pictures of what stands in ``text/plain`` anyway."""
    if getattr(collector, "path", None) is not None and collector.path.suffix == ".ipynb":
        collector.skip_compare += PICTURES
