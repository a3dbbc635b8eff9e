"""Recording, the only way in: receivers and imports → decoders → neutral records → one writer."""
