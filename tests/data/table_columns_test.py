import time

import pytest

from synthmed_jax.data import table_columns
from synthmed_jax.data.image_names import ImageNames
from synthmed_jax.errors import UserError

NAMES = ImageNames(["a/1.png", "a/2.png", "b/3.png"])


@pytest.mark.parametrize(
    ("headings", "files", "labels", "patient"),
    [
        ("file,label,patient", [0], [1], 2),
        ("File, LABEL ,Patient", [0], [1], 2),
        ("image_id,dx,lesion_id", [0], [1], 2),
        ("Image Index,Finding Labels,Patient ID", [0], [1], 2),
        ("patientId,Target,age", [0], [1], None),  # of RSNA: images are named after patients
        ("name,label,diagnosis", [0], [1], None),
        ("name,diagnosis,target", [0], [1, 2], None),
        ("name,x,y", [0], [], None),
        ("name,lesion_id,patient_id", [0], [], 2),  # a patient has lesions
    ],
)
def test_columns_are_found_by_cells_and_by_headings(table_of, headings, files, labels, patient):
    table = table_of(f"{headings}\n1,nv,p1\n2.png,mel,p2\nother,mel,p2\n")
    assert table_columns.find_file_column(table, NAMES) == files
    assert table_columns.find_label_columns(table) == labels
    assert table_columns.find_patient_column(table, 0) == patient


def test_a_heading_that_is_there_twice(table_of):
    with pytest.raises(UserError, match="2 columns called label"):
        table_columns.find_label_columns(table_of("file,label,Label ,label\n1,a,b,c\n"))


def test_very_many_columns_take_little_time(table_of):
    table = table_of("name" + ",x" * 60_000 + "\n1.png" + ",y" * 60_000 + "\n")
    start = time.process_time()
    assert table_columns.find_file_column(table, NAMES) == [0]
    assert table_columns.find_patient_column(table, 0) is None
    assert time.process_time() - start < 4
