"""What aiohttp itself logs of requests, as lines like ours."""

import logging
from typing import Final

from server.base.log import Forward

# Not from logging's registry: nobody else's configuration changes it.
HTTP_LOG: Final = logging.Logger("onsale.http", logging.INFO)
HTTP_LOG.addHandler(Forward())
