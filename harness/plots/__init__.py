"""Figures as SVG strings; knows no record."""
