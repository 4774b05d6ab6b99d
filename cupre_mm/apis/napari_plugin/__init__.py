"""A widget for napari that segments a layer.

Only :mod:`.segment_widget` needs napari, which the extra ``napari`` installs;
``cupre_mm/napari.yaml`` tells napari of it.
"""
