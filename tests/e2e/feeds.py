# SPDX-License-Identifier: MIT
"""What the stories about recorded feeds share."""
import json

import story


class Feed(story.Story):
    def make(self, kind, *words):
        path = self.path("made." + kind)
        self.check("feed", "generate", "--format", kind, "--messages", "5000", "--symbols", "2", "--orders", "100", "-o", path, *words)
        return path

    def answer(self, *words, **more):
        return json.loads(self.check("feed", "decode", "--json", *words, **more).stdout)
