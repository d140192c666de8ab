"""Figures and the PDF: the only room that draws with matplotlib and seaborn, beside export."""
