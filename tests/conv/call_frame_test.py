import jax
import pytest

from synthmed_jax.conv import call_frame

# What call_frame.py reads of jaxlib's header, in the words of its version 0.5.
HEADER = """
#define XLA_FFI_API_MAJOR 0
#define XLA_FFI_API_MINOR 5
typedef enum { XLA_FFI_Extension_Metadata = 1, } XLA_FFI_InternalExtension_Type;
typedef struct XLA_FFI_InternalExtension {
  size_t struct_size;
  XLA_FFI_InternalExtension_Type type;
  struct XLA_FFI_InternalExtension* next;
} XLA_FFI_InternalExtension;
struct XLA_FFI_Api_Version {
  size_t struct_size;
  XLA_FFI_InternalExtension* extension_start;
  int major_version;  // out
  int minor_version;  // out
};
typedef enum { XLA_FFI_Error_Code_INTERNAL = 13, } XLA_FFI_Error_Code;
struct XLA_FFI_Error_Create_Args {
  size_t struct_size;
  XLA_FFI_InternalExtension* extension_start;
  const char* message;
  XLA_FFI_Error_Code errc;
};
typedef enum { XLA_FFI_DataType_F32 = 11, } XLA_FFI_DataType;
struct XLA_FFI_Buffer {
  size_t struct_size;
  XLA_FFI_InternalExtension* extension_start;
  XLA_FFI_DataType dtype;
  void* data;
};
typedef enum { XLA_FFI_ExecutionStage_EXECUTE = 3, } XLA_FFI_ExecutionStage;
struct XLA_FFI_Args {
  size_t struct_size;
  XLA_FFI_InternalExtension* extension_start;
  int64_t size;
  XLA_FFI_ArgType* types;
  void** args;
};
struct XLA_FFI_Rets {
  size_t struct_size;
  XLA_FFI_InternalExtension* extension_start;
  int64_t size;
  XLA_FFI_RetType* types;
  void** rets;
};
struct XLA_FFI_CallFrame {
  size_t struct_size;
  XLA_FFI_InternalExtension* extension_start;
  const XLA_FFI_Api* api;
  XLA_FFI_InvokeContext* ctx;
  XLA_FFI_ExecutionStage stage;
  XLA_FFI_Args args;
  XLA_FFI_Rets rets;
};
struct XLA_FFI_Metadata { size_t struct_size; XLA_FFI_Api_Version api_version; };
struct XLA_FFI_Metadata_Extension {
  XLA_FFI_InternalExtension extension_base;
  XLA_FFI_Metadata* metadata;
};
struct XLA_FFI_Api {
  size_t struct_size;
  XLA_FFI_InternalExtension* extension_start;
  XLA_FFI_Api_Version api_version;
  const XLA_FFI_InternalApi* internal_api;
  _XLA_FFI_API_STRUCT_FIELD(XLA_FFI_Error_Create);
};
"""


def test_xlas_call_frame_is_laid_out_as_written_down():
    # If a new jax fails this test, and no other: read what has changed in its xla/ffi/api/c_api.h,
    # adapt call_frame.py, and run tests/conv. Until then a user gets a warning and the project's
    # own convolutions.
    assert call_frame.differences() == []


@pytest.fixture
def plant(monkeypatch, tmp_path):
    """Puts a text in the place of jaxlib's header: plant(text)."""
    folder = tmp_path / "xla" / "ffi" / "api"
    folder.mkdir(parents=True)

    def plant(text):
        (folder / "c_api.h").write_text(text)
        monkeypatch.setattr(jax.ffi, "include_dir", lambda: str(tmp_path))
        call_frame.header_layout.cache_clear()

    yield plant
    monkeypatch.undo()
    call_frame.header_layout.cache_clear()


FRAME = "struct XLA_FFI_CallFrame {"
ARGS, RETS = "XLA_FFI_Args args;", "XLA_FFI_Rets rets;"


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (FRAME, FRAME + " int64_t new;", "XLA_FFI_CallFrame.extension_start"),
        (f"{ARGS}\n  {RETS}", f"{RETS}\n  {ARGS}", "XLA_FFI_CallFrame.args"),
        ("XLA_FFI_DataType dtype;\n", "", "XLA_FFI_Buffer.data"),
        ("XLA_FFI_ExecutionStage stage;", "XLA_FFI_Unknown stage;", "XLA_FFI_CallFrame.args"),
        ("INTERNAL = 13", "INTERNAL = 14", "XLA_FFI_Error_Code_INTERNAL"),
        ("MAJOR 0", "MAJOR 1", "XLA_FFI_API_MAJOR"),
        ("MINOR 5", "MINOR", "XLA_FFI_API_MINOR"),
        (HEADER, "", "XLA_FFI_API_MAJOR"),
    ],
)
def test_a_change_of_what_is_read_is_noticed(plant, before, after, moved):
    assert HEADER.count(before) == 1
    plant(HEADER.replace(before, after))
    assert call_frame.differences()[0] == moved


def test_other_names_of_types_and_a_field_at_the_end_change_nothing(plant):
    text = HEADER.replace(RETS, RETS + " XLA_FFI_Unknown* new;")
    plant(text.replace("XLA_FFI_InternalExtension", "XLA_FFI_Extension_Base"))
    assert call_frame.differences() == []
