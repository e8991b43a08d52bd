"""Charts: exhibits and the page's own data drawn as SVG or as tables, without JavaScript and without a library."""
