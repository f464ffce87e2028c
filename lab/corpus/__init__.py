"""The test images of Pillow and pillow-heif, each passed in every form, and judged by what would be sent."""
