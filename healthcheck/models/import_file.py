"""Files that wait between the preview of an import and its confirmation; any web process may be asked for either."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ImportFile(models.Model):
    """Removed when it is applied, and after a day in any case: it may hold headers, as endpoints do."""

    id = models.BigAutoField(primary_key=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # The model's name, such as endpoint.
    kind = models.CharField(max_length=30)
    name = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField()
    # Compressed; bounded where it is received.
    content = models.BinaryField()

    class Meta:
        verbose_name = "import file"
        verbose_name_plural = "import files"

    def __str__(self) -> str:
        return self.name
