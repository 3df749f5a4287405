"""Light or dark, as the user's system is: known before anything is drawn.

Only the browser knows what its user prefers, and a page that turns dark after it was drawn flickers, so the browser
leaves a cookie. Where the cookie is not what the page was made for (at the first visit), the page is loaded again.
"""

import panel as pn

COOKIE = "so3k_appearance"
TEMPLATE = (
    """{% extends "base.html" %}
{% block preamble %}{{ super() }}
<script>
  {
    const known = () => document.cookie.match(/(?:^|; )COOKIE=(\\w+)/)?.[1] ?? "default"
    const wanted = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "default"
    if (known() !== wanted) {
      document.cookie = `COOKIE=${wanted}; path=/; max-age=31536000; samesite=lax`
      if (known() === wanted && !new URLSearchParams(location.search).has("theme")) location.reload()
    }
  }
</script>
{% endblock %}"""
).replace("COOKIE", COOKIE)
"""Of the page, for `template` of panel-material-ui's `Page`."""


def follow_the_system() -> None:
    """Makes what follows in this session dark where the user prefers that; `?theme=` in the address comes first."""
    if "theme" not in (pn.state.session_args or {}) and pn.state.cookies.get(COOKIE) == "dark":
        pn.config.theme = "dark"  # pyright: ignore[reportAttributeAccessIssue] - a setting of the session
