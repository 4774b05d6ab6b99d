"""Any labelled set of images, turned into one COCO json with RLE masks."""
