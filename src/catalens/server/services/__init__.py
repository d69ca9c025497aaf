"""Parts of the service: API keys, signed URLs, decode workers, metrics, thumbnails, batched inference, options."""
