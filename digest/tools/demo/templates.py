"""The templates of the demo: its own pages, and the XML of arXiv's services in `services/`."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digest.mail.templates import find_templates_dir

TEMPLATES = Environment(
    loader=FileSystemLoader([find_templates_dir() / "web", Path(__file__).parent / "services"]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
