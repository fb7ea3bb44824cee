package io.ray.streaming.python;

import io.ray.streaming.api.function.Function;

/** A Python function by its module and name. */
public final class PythonFunction implements Function {

  private final String moduleName;
  private final String functionName;

  /**
   * Names a function, a class of functions such as a {@code MapFunction} of Python, of which an object is made, or
   * an object of one.
   */
  public PythonFunction(String moduleName, String functionName) {
    this.moduleName = moduleName;
    this.functionName = functionName;
  }

  public String getModuleName() {
    return moduleName;
  }

  public String getFunctionName() {
    return functionName;
  }
}
