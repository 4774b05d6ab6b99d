import os

# Without a screen, and before anything of Qt is imported.
os.environ.setdefault('QT_QPA_PLATFORM', 'offscreen')
