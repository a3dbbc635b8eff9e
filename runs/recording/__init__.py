"""The only way in: doors → decoders → neutral records → one writer."""
