"""The page: models (parameters, no drawing), views and panes (drawing, no physics), and the theme they share."""
