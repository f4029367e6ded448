"""Makes src/okx_gateway/api and build/api.binpb from the proto files.

Runs protoc from grpcio-tools. The rules of protovalidate come from the descriptor inside its
wheel, so that they are the very rules which the engine enforces.
"""

import re
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent.parent
VALIDATE_PROTO = "buf/validate/validate.proto"
# The generated package lives inside ours: a top-level `buf` package would clash with other wheels.
VALIDATE_IMPORT = re.compile(
    r"\bbuf\.validate\b(?= import| as|\.validate_pb2\b)|(?<=import )buf\.validate\b"
)


def main(output: Path) -> None:
    """Write the package to `output`/okx_gateway/api and the image to build/api.binpb."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    validate_image = build / "validate.binpb"
    validate_image.write_bytes(_validate_image())
    sources = sorted(
        str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto")
    )
    search_path = [
        f"-I{ROOT / 'proto'}",
        f"-I{files('grpc_tools') / '_proto'}",
        f"-I{_googleapis()}",
    ]
    descriptors = f"--descriptor_set_in={validate_image}"

    api = output / "okx_gateway" / "api"
    for generated in (api / "v1", api / "buf"):
        shutil.rmtree(generated, ignore_errors=True)
    staging = build / "api"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    outputs = [
        f"--{kind}={staging}"
        for kind in ("python_out", "grpc_python_out", "mypy_out", "mypy_grpc_out")
    ]
    _run([*search_path, descriptors, *outputs, *sources])
    _run([descriptors, f"--python_out={staging}", f"--mypy_out={staging}", VALIDATE_PROTO])
    _run(
        [
            *search_path,
            descriptors,
            "--include_imports",
            "--include_source_info",
            f"--descriptor_set_out={build / 'api.binpb'}",
            *sources,
        ]
    )
    for path in sorted(staging.rglob("*.py*")):
        relative = path.relative_to(staging)
        target = api / relative if relative.parts[0] == "buf" else output / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(VALIDATE_IMPORT.sub("okx_gateway.api.buf.validate", path.read_text()))
    for package in (api, api / "v1", api / "buf", api / "buf" / "validate"):
        (package / "__init__.py").write_text('"""Generated from proto/; never edited."""\n')
    shutil.copy(build / "api.binpb", api / "api.binpb")


def _validate_image() -> bytes:
    """Make a FileDescriptorSet of validate.proto and what it imports."""
    image = descriptor_pb2.FileDescriptorSet()
    for module in (descriptor_pb2, duration_pb2, timestamp_pb2, field_mask_pb2):
        module.DESCRIPTOR.CopyToProto(image.file.add())
    image.file.add().ParseFromString(validate_pb.desc().proto.to_binary())
    return image.SerializeToString()


def _googleapis() -> Path:
    """The folder above google/api/annotations.proto, from googleapis-common-protos."""
    return Path(str(files("google.api") / "annotations.proto")).parents[2]


def _run(arguments: list[str]) -> None:
    status = protoc.main(["protoc", *arguments])
    if status != 0:
        sys.exit(f"protoc failed with status {status}: {' '.join(arguments)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "src")
