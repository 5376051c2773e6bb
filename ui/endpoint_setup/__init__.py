"""Set up an endpoint on a page: the form and the JSON of a draft, and the way of what was sent."""
