"""How the page looks: Panel only, no computing."""
