"""Jars by their Maven coordinates, with the machine's Maven."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from raystreaming import StreamingContext
from raystreaming.errors import GraphError, OptionError
from raystreaming_java import JavaSettings
from raystreaming_java import packages as maven
from raystreaming_test_support.java import compile_java

JAVA = """
package com.acme;
public class Shout implements io.ray.streaming.api.function.impl.MapFunction<String, String> {
  public String map(String value) {
    return org.apache.commons.codec.binary.Hex.encodeHexString(value.getBytes());
  }
}
"""
PACKAGE = "commons-codec:commons-codec:1.17.0"


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("RAYSTREAMING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_package_is_found_once_and_its_classes_are_there(cache, monkeypatch, tmp_path):
    def encoded():
        ctx = StreamingContext(java_packages=[PACKAGE], java_classpath=[tmp_path / "classes"])
        ctx.from_values("ab").as_java_stream().map("com.acme.Shout").as_python_stream().collect()
        return ctx.execute("packages").result()

    (jar,) = maven.jars_of([PACKAGE])
    assert Path(jar).name == "commons-codec-1.17.0.jar"
    compile_against(jar, tmp_path)
    monkeypatch.setattr(maven, "_get", lambda *_: pytest.fail("it is known already"))
    assert encoded() == ["6162"]


def compile_against(jar, folder):
    (folder / "Shout.java").write_text(JAVA)
    compile_java(folder / "classes", folder / "Shout.java", beside=[jar])


def test_connectors_add_their_packages_unless_the_job_has_other_versions(monkeypatch):
    asked = []
    monkeypatch.setattr("raystreaming_java.settings.jars_of", lambda packages: asked.append(packages) or [])
    settings = JavaSettings(packages=["org.acme:a:2"])
    settings.need([])
    assert settings.jars == settings.jars == []
    settings.need(["org.acme:a:1", "org.acme:b:1"])
    assert settings.jars == settings.jars == []
    assert asked == [["org.acme:a:2"], ["org.acme:a:2", "org.acme:b:1"]]


def submit_error(*packages):
    ctx = StreamingContext(java_packages=packages)
    java = ctx.from_values(1).as_java_stream().map("com.acme.One").map("com.acme.Two")
    java.as_python_stream().collect()
    with pytest.raises(GraphError) as caught:
        ctx.submit("wrong")
    return str(caught.value)


def test_a_package_that_there_is_not_is_named_once(cache, monkeypatch):
    text = submit_error("commons-codec:commons-codec:0.0.1-nothing")
    assert text.startswith(
        "this job cannot run: Maven cannot get the jars of commons-codec:commons-codec:0.0.1-no"
    )
    assert "commons-codec:commons-codec:jar:0.0.1-nothing" in text, "what Maven says of it"
    assert text.count("cannot get") == 1


def test_without_maven(cache, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    text = submit_error("a:b:1")
    assert "the jars of a:b:1 come by Maven, and `mvn` is not on the PATH: apt-get install maven" in text


@pytest.mark.parametrize("wrong", ["guava", "a:b", "a:b:[1,2)", "a:b:1<x/>", ""])
def test_what_is_no_coordinate_is_refused(wrong):
    with pytest.raises(OptionError, match=r"java_packages: .* is not of the form group:artifact:version"):
        StreamingContext(java_packages=[wrong])
