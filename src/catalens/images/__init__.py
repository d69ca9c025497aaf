"""Read and prepare pictures: files and arrays -> HWC uint8 sRGB, limits judged first."""
