"""The shared library of Inglenook: values, limits, errors, codecs, stores and pure decisions."""

__version__ = "0.1.0"
