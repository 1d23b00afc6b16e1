"""Croissant 1.0 metadata of an exported folder: its files with their SHA-256, and records that join
pictures to their labels.

Source: the Croissant Format Specification 1.0 (MLCommons); the reader of files that lie beside the
metadata is `mlcroissant`.
"""

import datetime
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import __version__
from harness.sets.description import LICENCES, licence, plain, sentence, tags, title

SPECIFICATION = "http://mlcommons.org/croissant/1.0"
OURS = (
    "citeAs",
    "column",
    "equivalentProperty",
    "extract",
    "field",
    "fileProperty",
    "fileObject",
    "fileSet",
    "format",
    "includes",
    "isLiveDataset",
    "jsonPath",
    "key",
    "md5",
    "parentField",
    "path",
    "recordSet",
    "references",
    "regex",
    "repeated",
    "replace",
    "samplingRate",
    "separator",
    "source",
    "subField",
    "transform",
)
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: f"cr:{name}" for name in OURS},
}
METADATA = "data/train/metadata.jsonl"


def croissant(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of croissant.json for the folder `path`, whose other files are written."""
    card = content["synthetic"].card
    said, name = licence(card), title(card, len(content["images"]))
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": SPECIFICATION,
        "name": name,
        "description": sentence(card, len(content["images"])),
        "license": LICENCES.get(said, ("", said))[1],
        "version": "1.0.0",
        "datePublished": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "citeAs": plain(
            f"{name}, seed {card.get('seed')}, written by condensation-harness {__version__}"
        ),
        "keywords": tags(card),
        "isLiveDataset": False,
        "distribution": [
            _file(path, "metadata", METADATA, "application/jsonlines"),
            _file(path, "set", "set.safetensors", "application/octet-stream"),
            {
                "@type": "cr:FileSet",
                "@id": "pictures",
                "name": "pictures",
                "encodingFormat": "image/png",
                "includes": "data/train/*/*.png",
            },
        ],
        "recordSet": [_images(content), _classes(card)],
    }


def _file(path: Path, identity: str, name: str, form: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": identity,
        "name": identity,
        "contentUrl": name,
        "encodingFormat": form,
        "sha256": hashlib.sha256((path / name).read_bytes()).hexdigest(),
    }


def _images(content: Mapping[str, Any]) -> dict[str, Any]:
    # The pattern matches what it leaves too, since a reader applies it once to join and once more
    # to the joined records.
    name = {
        "fileSet": {"@id": "pictures"},
        "extract": {"fileProperty": "fullpath"},
        "transform": {"regex": "(?:data/train/)?(.*)"},
    }
    fields = [
        _field("images/file_name", "sc:Text", name) | {"references": _column("file_name")},
        _field(
            "images/image",
            "sc:ImageObject",
            {"fileSet": {"@id": "pictures"}, "extract": {"fileProperty": "content"}},
        ),
        _field("images/label", "sc:Integer", _column("label")),
    ]
    if content["labels"].ndim == 2:
        fields.append(
            _field("images/soft_label", "sc:Float", _column("soft_label")) | {"repeated": True}
        )
    if "rates" in content:
        fields.append(_field("images/rates", "sc:Float", _column("rates")) | {"repeated": True})
    return _records("images", "images/file_name", fields)


def _classes(card: Mapping[str, Any]) -> dict[str, Any]:
    """The name of each label, in the metadata itself."""
    fields = [
        {"@type": "cr:Field", "@id": f"classes/{n}", "name": n, "dataType": t}
        for n, t in (("label", "sc:Integer"), ("name", "sc:Text"))
    ]
    names = [
        {"classes/label": label, "classes/name": plain(name)}
        for label, name in enumerate(card["class_names"])
    ]
    return _records("classes", "classes/label", fields) | {"data": names}


def _records(name: str, key: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "key": {"@id": key},
        "field": fields,
    }


def _field(identity: str, kind: str, source: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": identity,
        "name": identity.partition("/")[2],
        "dataType": kind,
        "source": dict(source),
    }


def _column(name: str) -> dict[str, Any]:
    return {"fileObject": {"@id": "metadata"}, "extract": {"column": name}}
